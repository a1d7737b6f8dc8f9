global _start

section .data
text:   db "Hello from Assembly (x86-64)!", 10
length: equ $ - text

section .text
_start:
        mov     eax, 1              ; write
        mov     edi, 1
        lea     rsi, [rel text]
        mov     edx, length
        syscall
        mov     eax, 60             ; exit
        xor     edi, edi
        syscall
