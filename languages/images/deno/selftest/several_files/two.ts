export default function two(): string {
  return "two";
}
