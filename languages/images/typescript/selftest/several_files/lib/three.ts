export const three = (): string => "three";
