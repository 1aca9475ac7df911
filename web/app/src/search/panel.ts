export { SearchPanel as default } from "./search.tsx";
