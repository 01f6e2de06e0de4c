/** The spectrum of a layer as the panels draw it. */

export interface Spectrum {
  row: number;
  label: string;
  /** Descending. */
  values: Float64Array;
  /** The Marchenko–Pastur edge, NaN where unknown. */
  edge: number;
  colour: string;
  /** What is smaller than this need not have room on an axis. */
  floor?: number;
}
