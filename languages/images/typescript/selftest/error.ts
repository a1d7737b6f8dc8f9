const first: number = 1;

const second: string = first;
