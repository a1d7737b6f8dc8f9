C     Fixed form, as it was before 1990.
      PROGRAM FIXED
      CHARACTER*5 WORD
      WORD = 'ri' //
     +       'ght'
      WRITE (*, '(A)') WORD
      END
