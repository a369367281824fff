export const pow = (x: number): number => x * x
