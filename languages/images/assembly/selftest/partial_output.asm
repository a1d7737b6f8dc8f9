global _start

section .data
text:   db "started", 10, "half a line"

section .text
_start:
        mov     eax, 1
        mov     edi, 1
        lea     rsi, [rel text]
        mov     edx, 19
        syscall
.again: jmp     .again
