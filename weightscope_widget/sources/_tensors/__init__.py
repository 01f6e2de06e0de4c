"""What the formats share: records of tensors, and the layers made of them."""
