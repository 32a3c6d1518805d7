# Takes out of a transcript what differs between two runs of the same programs.
s/\r$//
s/[0-9.]+ microseconds/N microseconds/g
s/(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} +[0-9]+ [0-9:]{8} [0-9]{4}/DATE/g
s/^(Date: |date: ).*/\1DATE/
s/time[= ][0-9.]+ ?ms/time N/g
s/(127\.0\.0\.1|0\.0\.0\.0|::1\]):[0-9]{4,5}/\1:PORT/g
s/boost::asio::|asio::|aura:://g
