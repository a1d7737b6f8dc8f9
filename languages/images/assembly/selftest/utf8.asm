global _start

section .data
text:   db "żółć, 中文 🚀", 10
length: equ $ - text

section .bss
buffer: resb 4096

section .text
_start:
        mov     eax, 1
        mov     edi, 1
        lea     rsi, [rel text]
        mov     edx, length
        syscall
        xor     eax, eax
        xor     edi, edi
        lea     rsi, [rel buffer]
        mov     edx, 4096
        syscall
        mov     rdx, rax
        mov     eax, 1
        mov     edi, 1
        lea     rsi, [rel buffer]
        syscall
        mov     eax, 60
        xor     edi, edi
        syscall
