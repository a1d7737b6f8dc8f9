<?php

undeclared();
