export const three = () => "three";
