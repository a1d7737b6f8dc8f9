counts = containers.Map("KeyType", "char", "ValueType", "double");
for letter = "aab"
  if ! isKey(counts, letter)
    counts(letter) = 0;
  end
  counts(letter) += 1;
end
printf("collections: a=%d b=%d\n", counts("a"), counts("b"));
part = regexp("on 2024-03-01", '(\d{4})-(\d{2})', "tokens"){1};
printf("regex: %s %s\n", part{:});
printf("json: %s\n", jsonencode(jsondecode('{"list": [1, 2, 3]}').list));
printf("sort: %s\n", strjoin(sort({"pear", "fig", "apple"}), " "));
printf("date: %s\n", datestr(datenum(2024, 2, 28) + 2, "yyyy-mm-dd"));
