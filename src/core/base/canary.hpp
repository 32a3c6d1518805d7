// canary: which functions do without the stack protector.
#pragma once

/// In front of functions that run for every operation and have no array: libauraio-c is built with
/// -fstack-protector-strong, which checks all whose local variables have their addresses taken. That would be
/// 2.5 % of a read's instructions, and there is nothing there that could be written beyond its end.
#if defined(__has_attribute)
#if __has_attribute(no_stack_protector)
#define AURAIO_NO_CANARY __attribute__((no_stack_protector))
#endif
#endif
#ifndef AURAIO_NO_CANARY
#define AURAIO_NO_CANARY
#endif
