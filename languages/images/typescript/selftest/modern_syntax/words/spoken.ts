import { nothing } from "../nothing";

export async function spoken(answer: Response): Promise<string> {
    return (await answer.text()) + nothing;
}
