// The half of the program that is built with Boost.Asio.
#include "flavours.hpp"

#define AURAIO_TEST_RUN run_boost
#include "run_flavour.ipp"
