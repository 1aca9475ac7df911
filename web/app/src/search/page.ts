export { SearchPage as default } from "./search.tsx";
