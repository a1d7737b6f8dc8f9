        global  three

        section .data
text:   db      THREE, 10

        section .text
three:
        mov     eax, 1
        mov     edi, 1
        lea     rsi, [rel text]
        mov     edx, 6
        syscall
        ret
