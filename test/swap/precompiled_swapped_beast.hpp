// What Beast's swapped examples share: all of Asio and Beast, and auraio.
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast.hpp>
#include <boost/beast/ssl.hpp>

#include <auraio/beast.hpp>
