// The half of the program that is built with standalone Asio.
#include "flavours.hpp"

#define AURAIO_TEST_RUN run_standalone
#include "run_flavour.ipp"
