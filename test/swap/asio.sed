# The swap for standalone Asio: asio::x becomes aura::x, and auraio is included after the first header of Asio.
# A re-opened "namespace asio {" is left as it stands, since specialisations belong to the namespace of their template.
s/(^|[^A-Za-z0-9_:])(::)?asio::/\1\2aura::/g
s/(^|[^A-Za-z0-9_])namespace ([a-z_]+) = (::)?asio;/\1namespace \2 = aura;/
/^#[[:space:]]*include [<"]asio(\/[^">]*)?\.hpp[">]/a #include <auraio/auraio.hpp>
