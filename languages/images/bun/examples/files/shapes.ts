export function squared(side: number): number {
  return side * side;
}
