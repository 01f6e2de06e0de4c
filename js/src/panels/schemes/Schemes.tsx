/** What each quantization scheme would make of the model; choosing one moves the points of the risk matrix. */

import { useMemo } from "preact/hooks";
import { formatBytes, formatCount, formatDecibel, formatPercentage, MISSING } from "../../domain/format";
import { useView } from "../../state/context";
import { named, say } from "../../text/messages";
import { Panel } from "../../ui/Panel";
import { summarize } from "./summarize";

export function Schemes() {
  const { store } = useView();
  // Radio buttons of one name are one group, whichever dashboard of the page they are in.
  const radios = useMemo(() => `wsw-scheme-${Math.random()}`, []);
  const rows = summarize(store);
  const chosen = store.scheme.value;
  const stored = rows[0]?.stored ?? Number.NaN;
  const empty = store.matching.value.length === 0;
  const missing = rows.some(({ sqnr }) => Number.isNaN(sqnr)) && store.progress.value.state !== "running";
  return (
    <Panel name="schemes" aside={say("page.schemesAside")}>
      <table class="wsw-metrics-table wsw-scheme-rows">
        <thead>
          <tr>
            <th scope="col">{say("page.scheme")}</th>
            <th scope="col" class="wsw-numeric" title={say("page.sizeHint")}>
              {say("page.size")}
            </th>
            <th scope="col" class="wsw-numeric" title={say("page.weightedHint")}>
              {say("page.weightedSqnr")}
            </th>
            <th scope="col" class="wsw-numeric" title={say("page.riskyHint")}>
              {say("page.risky")}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ scheme, bytes, sqnr, risky }) => {
            const known = !Number.isNaN(sqnr);
            return (
              <tr key={scheme} data-scheme={scheme} data-chosen={scheme === chosen || undefined}>
                <th scope="row">
                  <label class="wsw-choice">
                    <input
                      type="radio"
                      name={radios}
                      checked={scheme === chosen}
                      disabled={!known}
                      onChange={() => store.setView({ scheme })}
                    />
                    {named("page.schemes", scheme) ?? scheme}
                  </label>
                </th>
                <td class="wsw-numeric">
                  {bytes > 0 ? formatBytes(bytes) : MISSING}{" "}
                  {stored > 0 && <span class="wsw-muted">{formatPercentage((100 * bytes) / stored)}</span>}
                </td>
                <td class="wsw-numeric">{formatDecibel(sqnr)}</td>
                <td class="wsw-numeric">{known ? formatCount(risky) : MISSING}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p class="wsw-note">
        {empty ? (
          say("page.noMatch")
        ) : (
          <>
            {stored > 0 ? say("page.storedAs", { bytes: formatBytes(stored) }) : say("page.sizesUnknown")}{" "}
            {missing && say("page.schemesMissing")}
          </>
        )}
      </p>
    </Panel>
  );
}
