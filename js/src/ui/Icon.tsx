/** The signs on buttons, drawn: not every system has a font with them. */

const PATHS = {
  box: "M3,4h10v8h-10z",
  lasso: "M8,3.5c3.2,0 5.5,1.6 5.5,4s-2.3,4 -5.5,4s-5.5,-1.6 -5.5,-4s2.3,-4 5.5,-4z",
  move: "M8,2v12M2,8h12M6,4l2,-2l2,2M6,12l2,2l2,-2M4,6l-2,2l2,2M12,6l2,2l-2,2",
  in: "M3,8h10M8,3v10",
  out: "M3,8h10",
  reset: "M9.5,2.5h4v4M13.5,2.5l-4.5,4.5M6.5,13.5h-4v-4M2.5,13.5l4.5,-4.5",
  save: "M8,2.5v7.5M4.5,6.5l3.5,3.5l3.5,-3.5M3,13.5h10",
  full: "M2.5,6v-3.5h3.5M10,2.5h3.5v3.5M13.5,10v3.5h-3.5M6,13.5h-3.5v-3.5",
} as const;

export function Icon({ sign }: { sign: keyof typeof PATHS }) {
  return (
    <svg class="wsw-icon" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[sign]} stroke-dasharray={sign === "lasso" ? "2 1.6" : undefined} />
    </svg>
  );
}
