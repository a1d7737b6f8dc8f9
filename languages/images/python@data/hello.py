import numpy

print("Hello from Python with data libraries!" if numpy.arange(7).sum() == 21 else "numpy cannot add")
