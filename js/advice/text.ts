/** Where the advice panel takes its texts from. */

export { en as adviceText } from "../text/advice/en";
