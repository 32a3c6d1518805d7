// One function per flavour; each runs a context of its own flavour and returns how many handlers ran.
#pragma once

int run_standalone();
int run_boost();
