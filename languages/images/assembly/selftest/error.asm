section .text

        moove   eax, 1
