/** What a truncation keeps of a spectrum, and what it saves. */

/** The smallest rank that keeps a share of the squared singular values, 1 at least. */
export function rankFor(spectrum: Float64Array, energy: number): number {
  const whole = energyOf(spectrum, spectrum.length);
  if (!(whole > 0)) return 1;
  let sum = 0;
  for (let index = 0; index < spectrum.length; index++) {
    sum += squared(spectrum, index);
    // The last bits of the sum must not ask for values that are nothing beside it; `energy_rank` decides likewise.
    if (sum >= energy * whole * (1 - 1e-12)) return index + 1;
  }
  return spectrum.length;
}

/** Share of the squared singular values that the first `rank` hold, 0–1. */
export function keptBy(spectrum: Float64Array, rank: number): number {
  const whole = energyOf(spectrum, spectrum.length);
  return whole > 0 ? energyOf(spectrum, rank) / whole : Number.NaN;
}

/** Share of the squared singular values that the first 1, 2, … ranks hold, 0–1. */
export function cumulativeEnergy(spectrum: Float64Array): Float64Array {
  let sum = 0;
  const sums = Float64Array.from(spectrum, (_, index) => {
    sum += squared(spectrum, index);
    return sum;
  });
  return sums.map((each) => (sum > 0 ? each / sum : Number.NaN));
}

/** Relative error ‖W − Wₖ‖_F / ‖W‖_F of the truncation to a rank (Eckart & Young 1936). */
export function truncationError(spectrum: Float64Array, rank: number): number {
  const whole = energyOf(spectrum, spectrum.length);
  // Summed from its own end, not as what is left of 1: a small error keeps its digits.
  let rest = 0;
  for (let index = spectrum.length - 1; index >= rank; index--) rest += squared(spectrum, index);
  return whole > 0 ? Math.sqrt(rest / whole) : Number.NaN;
}

/** Parameters of the two factors of a (rows, columns) matrix of a rank. */
export const factorParameters = (rows: number, columns: number, rank: number): number => rank * (rows + columns);

// In units of the largest, so that neither huge nor tiny values leave the range of numbers.
const squared = (spectrum: Float64Array, index: number): number => {
  const largest = spectrum[0] as number;
  return largest > 0 ? ((spectrum[index] as number) / largest) ** 2 : 0;
};

const energyOf = (spectrum: Float64Array, rank: number): number => {
  let sum = 0;
  for (let index = 0; index < Math.min(rank, spectrum.length); index++) sum += squared(spectrum, index);
  return sum;
};
