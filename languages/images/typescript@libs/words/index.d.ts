// Mocha's words for what Jest calls otherwise.
declare const context: jest.Describe;
declare const specify: jest.It;
declare const before: jest.Lifecycle;
declare const after: jest.Lifecycle;
