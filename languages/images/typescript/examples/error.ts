interface Person {
  name: string;
}

const person: Person = { name: "Ada" };
console.log(person.nme.toUpperCase());
