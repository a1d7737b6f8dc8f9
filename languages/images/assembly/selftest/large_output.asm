global _start

section .text
_start:
        lea     rdi, [rel letters]
        mov     ecx, 500000
        mov     al, 'y'
        rep     stosb
        lea     rsi, [rel letters]
        mov     ebx, 500000
.again: mov     eax, 1
        mov     edi, 1
        mov     edx, ebx
        syscall
        add     rsi, rax
        sub     ebx, eax
        jnz     .again
        mov     eax, 60
        xor     edi, edi
        syscall

section .bss
letters: resb   500000
