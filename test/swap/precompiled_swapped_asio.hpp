// What the swapped standalone examples share: all of Asio, and auraio.
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <boost/bind/bind.hpp>

#include <auraio/auraio.hpp>
