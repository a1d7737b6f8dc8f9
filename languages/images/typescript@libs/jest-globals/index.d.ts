// What tests.js has made, by the types of @types/jest.
/// <reference types="jest" />
declare const ownJest: typeof jest;
export declare const describe: jest.Describe;
export declare const it: jest.It;
export declare const test: jest.It;
export declare const beforeAll: jest.Lifecycle;
export declare const beforeEach: jest.Lifecycle;
export declare const afterEach: jest.Lifecycle;
export declare const afterAll: jest.Lifecycle;
export declare const expect: jest.Expect;
export { ownJest as jest };
