# The GNU assembler's directives, and its order of operands.
.globl _start
.text
_start:
    mov $1, %eax
    mov $1, %edi
    lea text(%rip), %rsi
    mov $7, %edx
    syscall
    mov $60, %eax
    xor %edi, %edi
    syscall
.data
text: .ascii "modern\n"
