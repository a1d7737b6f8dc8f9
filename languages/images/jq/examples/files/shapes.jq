def squared: . * .;
