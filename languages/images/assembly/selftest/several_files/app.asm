%include "lib/words.inc"
        extern  two
        extern  three
        global  _start

        section .data
one:    db      ONE, 10

        section .text
_start:
        mov     eax, 1
        mov     edi, 1
        lea     rsi, [rel one]
        mov     edx, 4
        syscall
        call    two
        call    three
        mov     eax, 60
        xor     edi, edi
        syscall
