"""Safetensors files, whole or in shards."""
