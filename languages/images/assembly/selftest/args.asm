global _start

section .data
newline: db 10

section .text
_start:
        lea     rbx, [rsp + 16]     ; argv[1]
.next:  mov     rsi, [rbx]
        test    rsi, rsi
        jz      .done
        xor     edx, edx
.count: cmp     byte [rsi + rdx], 0
        je      .print
        inc     rdx
        jmp     .count
.print: mov     eax, 1
        mov     edi, 1
        syscall
        mov     eax, 1
        mov     edi, 1
        lea     rsi, [rel newline]
        mov     edx, 1
        syscall
        add     rbx, 8
        jmp     .next
.done:  mov     eax, 60
        xor     edi, edi
        syscall
