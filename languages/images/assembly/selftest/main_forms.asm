; What calls the C library begins at main, as elsewhere.
extern printf
global main
section .text
main:
    sub rsp, 8
    lea rdi, [rel text]
    mov esi, 'r'
    xor eax, eax
    call printf
    xor eax, eax
    add rsp, 8
    ret
section .data
text: db "%cight", 10, 0
