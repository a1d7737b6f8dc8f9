%include "lib/words.inc"
        global  two

        section .data
text:   db      TWO, 10

        section .text
two:
        mov     eax, 1
        mov     edi, 1
        lea     rsi, [rel text]
        mov     edx, 4
        syscall
        ret
