%include "text.inc"

global _start

section .text
_start:
        mov     eax, 1
        mov     edi, 1
        lea     rsi, [rel text]
        mov     edx, length
        syscall
        mov     eax, 60
        xor     edi, edi
        syscall
