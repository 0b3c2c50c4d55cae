EXTRA_DIST += softhsm-conf/make-token softhsm-conf/softhsm2.conf.in
