export const two = () => "two";
