// Keeps threads on one processor each: a scheduler that moves or packs them decides the result otherwise.
#pragma once

namespace benchmark {

// Processors this process may use, counted from the last: place 0 is where every single-threaded contender
// runs, place 1 is for the other side of those with two threads. Wraps around where there are fewer.
void pin_this_thread(unsigned place);

// The processor that a place is.
int processor_of(unsigned place);

// How many places there are.
unsigned place_count();

} // namespace benchmark
