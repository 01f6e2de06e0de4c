/** What every metric and chart is, why it matters and when it misleads, in English; each in a sentence or two. */

export interface Explanation {
  what: string;
  why: string;
  misleads: string;
}

export const en = {
  // Panels

  "risk-matrix": {
    what: "Every layer by its share of extreme outliers (across) and by what the chosen quantization scheme leaves of its signal (upwards).",
    why: "Lower right is where naive INT8 fails: few huge weights set the scale and all others share a handful of steps. Upper left is easy.",
    misleads:
      "It simulates symmetric rounding of weights only: GPTQ, AWQ or SmoothQuant do better, and activations, often the harder part, are not seen. A Gaussian matrix scores 38–39 dB, so no ordinary layer reaches the 40 dB line per tensor.",
  },
  "layer-map": {
    what: "One tile per layer: blocks across in depth order, sub-structures downwards, coloured by the metric you choose.",
    why: "Patterns show at once: a bad first or last block, one kind of projection that is bad everywhere, a single broken layer.",
    misleads:
      "Tiles are equal, layers are not: a large matrix weighs more. Metrics without classes are coloured from this model’s lowest to its highest value, so a strong colour may be a small difference.",
  },
  "condition-numbers": {
    what: "The condition number of every layer on a log axis, worst first, in the colours of its class.",
    why: "Red bars are the first suspects when training gives NaN or Inf, then orange ones; such layers are also poor candidates for very low precision.",
    misleads:
      "One nearly zero singular value makes a red bar, even where nothing uses that direction. Square matrices score high by chance (Gaussian 768×768: κ ≈ 3500), wide ones low (768×3072: κ ≈ 3); compare with random.",
  },
  "rank-efficiency": {
    what: "How evenly each layer spreads its energy over its directions: stable rank as a share of total rank, one against the other, and by class.",
    why: "Low shares are candidates for low-rank factors or LoRA, and the stable rank is a first guess at the rank.",
    misleads:
      "Chance alone gives a square Gaussian matrix 25 %, below the 30 % line, though it has no low-rank structure at all. Before cutting, look at the spectrum’s tail and at the task.",
  },
  health: {
    what: "How five metrics spread over the layers, the health grades, and the ten layers with the highest risk score. The score starts at 100 and loses points for the condition number and the percentage p of extreme outliers (as written, at the usual thresholds).",
    why: "It tells a few bad layers from a model that is bad throughout, and it shows regressions after a merge or a new recipe.",
    misleads:
      "The grade is a rule of thumb for sorting, not a measure of quality: SQNR, rank and sparsity do not enter it, and no task was run. Excellent says that two numbers are unremarkable.",
  },
  distribution: {
    what: "The histogram of the layer’s weights, with linear and with logarithmic counts.",
    why: "The log counts show the tails: long ones mean outliers, a coarse INT8 grid, and trouble with precision.",
    misleads:
      "A lone weight widens the axis and squeezes everything else into a few bars. The shape says nothing about where outliers sit: all in one row is harmless per channel, scattered is not.",
  },
  "singular-values": {
    what: "The largest singular values, and all of them on a log axis, with the edge where chance would end; drag the energy line to ask what a truncation keeps.",
    why: "A steep fall to zero is a low-rank signal; a flat tail is full rank with little to save. Values beyond the random edge carry structure.",
    misleads:
      "Energy kept is not accuracy kept: small directions can matter to the task. The edge, for weights of standard deviation s, supposes independent entries, which trained weights only resemble.",
  },
  table: {
    what: "Every layer with its main numbers; sort by a column, search, and select.",
    why: "It turns a search through the whole model into a short list of layers.",
    misleads:
      "The order is by one number at a time and ignores how large a layer is, or how random matrices of its shape would score.",
  },
  metrics: {
    what: "Every number of the selected layer, with its class and, where it is known, what a Gaussian matrix of the same shape would score.",
    why: "A value far from the random column is structure; one close to it is what its shape gives anyway.",
    misleads:
      "All of it comes from the weights alone, without data, activations or the task: a quick and necessary check, not a sufficient one.",
  },
  schemes: {
    what: "What simple rounding under each scheme loses: SQNR, error, size with scales, and how many layers fall below the high-risk line.",
    why: "The gain from per tensor to per channel or groups shows whether finer scales are enough, or the layer should stay in 16 bits.",
    misleads:
      "Only round-to-nearest of weights is simulated; calibrated methods and runtimes differ. Even random weights stay below 30 dB at 4 bits, so that line is meant for 8 bits, and equal SQNR need not cost equal accuracy.",
  },
  advice: {
    what: "What the numbers suggest for training stability, INT8 and compression, each with its evidence.",
    why: "It goes from metrics to a first action on the few layers that need one.",
    misleads:
      "Rules of thumb on weights alone: activations, data and task are not seen. Try one change at a time and measure it.",
  },

  // Sections of the metrics

  basic_stats: {
    what: "Location, scale and extremes of the weights, summed in float64.",
    why: "A layer whose scale or extremes differ from its peers is an early sign of a broken initialization, merge or conversion.",
    misleads:
      "What is usual depends on the layer’s kind and width: compare it with the same kind in other blocks, not with a fixed number.",
  },
  spectral: {
    what: "The layer as a linear map y = Wx, seen through its singular values. Convolutions are taken as (out, in·kernel) matrices.",
    why: "They tell how much the map stretches, how close it comes to losing directions, and how many directions carry its energy.",
    misleads:
      "Norms, residual paths, non-linearities and the inputs shape what the network does; the matrix alone decides neither stability nor accuracy.",
  },
  quantization: {
    what: "Outliers, and a simulation of symmetric INT8 with one scale for the whole tensor.",
    why: "It finds the layers that naive INT8 would harm, before anything is quantized.",
    misleads:
      "It is the plainest scheme there is: per channel, GPTQ or AWQ give other errors, and activations are not quantized here. Good for ranking layers, not for predicting accuracy.",
  },
  sparsity: {
    what: "How many weights are zero or small, by fixed magnitudes, and whether whole rows or columns are dead.",
    why: "Many small weights favour magnitude pruning; dead rows or columns can be cut without loss.",
    misleads:
      "Fixed thresholds depend on the layer’s scale: with a standard deviation of 0.02, 38 % of Gaussian weights are below 10⁻². It is not the sparsity that training for it would give.",
  },

  // Metrics

  risk: {
    what: "A score to rank layers by: points for the condition number (as written, at the usual thresholds) plus three per percent p of extreme outliers. ∞ where weights are NaN or infinite.",
    why: "The top of this list is where to look first.",
    misleads:
      "It adds unlike things with chosen weights; it is no probability and has no unit. SQNR does not enter, so a layer that INT8 harms can still score low.",
  },
  parameters: {
    what: "The number of weights in the tensor.",
    why: "It says what is at stake: savings and damage both grow with it.",
    misleads: "It is not the cost in time or memory, which depend on type, batch and how often the layer runs.",
  },
  mean: {
    what: "The average weight.",
    why: "Most layers are centred on zero; a clear offset means a bias in the weights, and symmetric quantization wastes part of its range on it.",
    misleads:
      "Embeddings and gates may have an offset by design. Judge it against the spread: chance gives about std/√N, where N counts the weights.",
  },
  std: {
    what: "The spread of the weights around their mean.",
    why: "A layer whose scale stands out from its peers can destabilize training or hint at a bad merge.",
    misleads:
      "A few outliers inflate it. The usual value shrinks with width, roughly as 1/√(inputs), so compare equal shapes.",
  },
  extremes: {
    what: "The smallest and the largest weight.",
    why: "Spikes far from the rest set the quantization scale and may overflow in half precision.",
    misleads:
      "They are single numbers and grow with the size of the tensor: a million Gaussian weights reach ±5 σ by chance.",
  },
  l2_norm: {
    what: "The root of the sum of all squared weights (the Frobenius norm).",
    why: "It measures the energy of the layer; a jump against its peers or a former checkpoint deserves a look.",
    misleads:
      "It grows with the number of weights, so it does not compare between shapes. It is not the spectral norm σ₁.",
  },
  zeros: {
    what: "The share of weights that are exactly zero.",
    why: "Dense training gives almost none, so zeros come from pruning, padding or a part that was never trained.",
    misleads:
      "Low-precision storage rounds tiny weights to zero without any pruning, and scattered zeros save no time without sparse kernels.",
  },
  non_finite: {
    what: "How many weights are NaN or infinite.",
    why: "One is enough to spoil every output, so the layer is graded Critical.",
    misleads: "The other numbers are of the finite weights only and can look healthy; there is no spectrum then.",
  },
  max_singular_value: {
    what: "The spectral norm: the most that the map can stretch an input.",
    why: "Large values amplify activations and gradients in one direction, and overflow sooner in half precision.",
    misleads:
      "It is the worst case: typical inputs may barely touch that direction, and a normalization behind the layer undoes the scale.",
  },
  min_singular_value: {
    what: "The least that the map stretches, in the direction that it almost flattens.",
    why: "Near zero the map loses a direction, and the condition number explodes.",
    misleads:
      "Below about 10⁻¹⁶ · max(m, n) · σ₁ it is rounding noise, and weights stored in few bits blur it long before. Whether the direction matters, it does not say.",
  },
  condition: {
    what: "How unequally the map stretches different directions; the ratio σᵣ/σ₁ is the same, upside down.",
    why: "High values go with sensitivity to noise, rounding and low precision: a warning to look closer, and a way to rank layers.",
    misleads:
      "It hangs on the smallest singular value: near zero it explodes, up to ∞. A Gaussian 768×768 already has κ ≈ 3500. By itself it does not measure training stability.",
  },
  stable_rank: {
    what: "How many directions as strong as the strongest would hold the layer’s energy; it moves little when weights do.",
    why: "Small values mean that a few directions dominate: low-rank factors and LoRA have a basis in numbers.",
    misleads:
      "One huge direction pulls it down though all others are rich. Square Gaussian matrices reach only 25 % of their rank, so below 30 % need not be compressible.",
  },
  stable_rank_percentage: {
    what: "The stable rank as a share of the highest rank that the matrix could have.",
    why: "Below 30 % is the usual sign of room for compression; 70 % and more is already efficient.",
    misleads:
      "Gaussian matrices, which have no low-rank structure, give 25 % when square and 44 % at 768×3072: compare with random.",
  },
  effective_rank: {
    what: "How many singular values exceed 1 % of the largest.",
    why: "Where it is far below the total rank, the rest of the directions contribute little.",
    misleads:
      "The 1 % is a choice and depends on σ₁: one large value makes it drop. Other texts call an entropy of the spectrum by the same name.",
  },
  total_rank: {
    what: "The number of singular values, the highest rank the matrix could have.",
    why: "The yardstick for stable and effective rank.",
    misleads: "It is the shape only, not a rank that was measured.",
  },
  scale: {
    what: "The largest magnitude, and the INT8 step that follows from it.",
    why: "One weight sets the step for the whole tensor: the larger it is, the coarser the grid for all others.",
    misleads: "Real schemes often clip outliers or use many scales; then this maximum no longer decides.",
  },
  quantization_error: {
    what: "The average squared, or absolute, difference between a weight and its INT8 version.",
    why: "It is the raw rounding error, small where the scale fits.",
    misleads:
      "It is in units of the weights, so it does not compare between layers: SQNR and relative error do. Equal errors of weights can matter unequally to outputs.",
  },
  cosine_similarity: {
    what: "The cosine between the weights and their INT8 version, both as long vectors.",
    why: "1 means that the direction is kept; a drop shows in the third decimal first.",
    misleads:
      "It saturates: 26 dB is rather poor and still gives 0.9987. It is blind to scale, and it compares weights, not outputs.",
  },
  sqnr_db: {
    what: "The energy of the weights over the energy of the rounding error, in decibels: 10 dB are a factor of ten, a bit is worth about 6 dB.",
    why: "Above 40 dB is usually safe, 30–40 calls for care such as per-channel scales, below 30 naive INT8 is likely to hurt.",
    misleads:
      "Per tensor, a Gaussian matrix reaches only 38–39 dB, so 40 is out of reach for most layers and 38 is normal. It is about weights, not activations, and deployed schemes differ.",
  },
  dynamic_range: {
    what: "The largest magnitude over the mean magnitude.",
    why: "A rough measure of outliers: high values mean that one scale must serve both giants and dwarfs.",
    misleads:
      "One weight decides it, and it grows with the size of the tensor: a million Gaussian weights give about 6.",
  },
  outliers: {
    what: "Weights beyond 1.5 interquartile ranges from the quartiles: their share and their number.",
    why: "A heavy tail makes the scale of INT8 coarse for the bulk of the weights.",
    misleads:
      "A Gaussian already has 0.7 % of them, so a few are normal; the extreme ones say more. The count grows with the layer.",
  },
  extreme_outliers: {
    what: "Weights beyond 3 interquartile ranges from the quartiles: their share and their number.",
    why: "They decide how INT8 fares: below 0.1 % is friendly, up to 1 % needs per-channel scales, clipping or SmoothQuant, more is high risk.",
    misleads:
      "How many, not how far: a single giant ruins the scale at almost 0 %. A peaked, narrow bulk makes ordinary weights “extreme”. Outliers of activations are not seen.",
  },
  small_weights: {
    what: "The share of weights whose magnitude is at most this.",
    why: "Many small weights favour magnitude pruning.",
    misleads:
      "The threshold is absolute: compare it with the layer’s standard deviation first. Small need not be unimportant, and scattered zeros save no time without sparse kernels.",
  },
  dead: {
    what: "Rows (outputs) or columns (inputs) in which every weight is at most 10⁻⁶ in magnitude.",
    why: "Dead neurons or channels: they can usually be removed together with their neighbours’ weights.",
    misleads:
      "A dead row can still output its bias, and rows may be padding, such as unused tokens. Rows that are merely small are not counted.",
  },
  percentiles: {
    what: "Magnitudes that 10, 25, 50, 75 and 90 % of the weights stay below.",
    why: "Together they show how much is small and how heavy the tail is, and where a pruning threshold would cut.",
    misleads:
      "The tail beyond 90 %, where quantization is decided, is not in them, and they are in units of the weights.",
  },
  typical_magnitude: {
    what: "The mean and the median of the magnitudes.",
    why: "A mean well above the median is a heavy tail.",
    misleads: "Even a Gaussian has a ratio of 1.18, so only clearly more is telling; both move with the layer’s scale.",
  },

  // Schemes

  int8_tensor: {
    what: "8-bit integers with one scale for the whole tensor.",
    why: "The simplest and fastest to run; the baseline that all others should beat.",
    misleads: "One outlier coarsens every weight. Gaussian weights give 38–39 dB.",
  },
  int8_channel: {
    what: "8-bit integers with a scale per output row.",
    why: "Most runtimes support it, and it confines an outlier to its row.",
    misleads:
      "Outliers that share a column, as input features often do, hit every row all the same. Gaussian: 41.2 dB at 4096 inputs.",
  },
  grouped: {
    what: "Integers of 8 or 4 bits with a scale for every 128 consecutive inputs of a row.",
    why: "Outliers spoil only their group, at a cost of 1/8 bit per weight.",
    misleads:
      "It needs kernels made for groups. Gaussian weights give 43.8 dB with 8 bits and 18.6 dB with 4, calibration aside.",
  },
  int4_channel: {
    what: "4-bit integers, 15 levels, with a scale per output row.",
    why: "The plainest 4-bit scheme: where it holds up, anything finer will.",
    misleads:
      "Gaussian weights give only about 16 dB, so a low figure is the format’s doing, not the layer’s; GPTQ or AWQ do better.",
  },
  nf4_block64: {
    what: "4 bits on 16 levels spaced like quantiles of a Gaussian, a scale per 64 weights: the format of QLoRA.",
    why: "It fits bell-shaped weights better than evenly spaced levels: 20.7 dB on a Gaussian.",
    misleads:
      "It saves memory, not multiplications: weights are expanded before use. Heavy tails inside a block still cost.",
  },
  fp8_e4m3: {
    what: "8-bit floating point, 4 bits of exponent and 3 of mantissa, one scale per tensor.",
    why: "Its error follows each weight’s own size, so outliers hardly disturb the rest.",
    misleads: "With 3 bits of mantissa it stays at 31–33 dB on almost any layer, below INT8 on well-behaved weights.",
  },
} satisfies Record<string, Explanation>;

export type Topic = keyof typeof en;
