/** What each quantization scheme would lose of a layer. */

import { formatDecibel, formatPercentage } from "../../domain/format";
import { useView } from "../../state/context";
import { named, say } from "../../text/messages";
import { Explain } from "../../ui/Explain";

const COLUMN = /^schemes\.(.+)_sqnr_db$/;

export function SchemesTable({ row }: { row: number }) {
  const { value: table } = useView().store.table;
  const schemes = table.names.flatMap((column) => COLUMN.exec(column)?.[1] ?? []);
  const value = (scheme: string, figure: string) => table.value(`schemes.${scheme}_${figure}`, row);
  if (schemes.every((scheme) => Number.isNaN(value(scheme, "sqnr_db")))) return null;
  return (
    <table class="wsw-metrics-table" data-section="schemes">
      <thead>
        <tr>
          <th scope="col">
            <Explain name="schemes" title={say("page.panelTitles.schemes")}>
              {say("page.sections.schemes")}
            </Explain>
          </th>
          <th scope="col" class="wsw-numeric">
            {say("metrics.sqnr_db")}
          </th>
          <th scope="col" class="wsw-numeric" title={say("page.relativeErrorHint")}>
            {say("page.relativeError")}
          </th>
        </tr>
      </thead>
      <tbody>
        {schemes.map((scheme) => (
          <tr key={scheme} data-metric={scheme}>
            <th scope="row" title={scheme}>
              <Explain name={scheme} title={named("page.schemes", scheme) ?? scheme}>
                {named("page.schemes", scheme) ?? scheme}
              </Explain>
            </th>
            <td class="wsw-numeric">{formatDecibel(value(scheme, "sqnr_db"))}</td>
            <td class="wsw-numeric">{formatPercentage(100 * value(scheme, "relative_mse"))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
