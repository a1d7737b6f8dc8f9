import time

for number in range(1, 6):
    print(number)
    time.sleep(0.4)
