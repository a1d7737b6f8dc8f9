def average(numbers):
    return sum(numbers) / len(numbers)


print("The average of nothing is")
print(average([]))
