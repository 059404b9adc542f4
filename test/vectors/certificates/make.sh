#!/bin/sh
# How the files here were made (OpenSSL 3.0). Test keys: they open nothing. The password of what is protected is in `password`.
set -e
printf 'sésame-42\n' > password
openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.crt -subj "/CN=Vector Root" -days 36500
for kind in rsa ec; do
  if [ $kind = rsa ]; then openssl genrsa -out $kind-key.txt 2048; else openssl ecparam -name prime256v1 -genkey -noout -out $kind-key.txt; fi
  openssl req -new -key $kind-key.txt -subj "/CN=corp.example" -out $kind.csr
  printf 'subjectAltName=DNS:corp.example,DNS:sip.corp.example\nextendedKeyUsage=serverAuth,clientAuth\n' > extensions
  openssl x509 -req -in $kind.csr -CA root.crt -CAkey root.key -CAcreateserial -days 36500 -extfile extensions -out $kind.crt
  export LC_ALL=C.UTF-8
  # As Windows Server 2019 and OpenSSL 3 export by default: AES-256, PBKDF2, SHA-256.
  openssl pkcs12 -export -inkey $kind-key.txt -in $kind.crt -certfile root.crt -out $kind-aes.pfx -passout file:password
  # As Lync's servers and older Windows export: RC2 and 3DES, SHA-1.
  openssl pkcs12 -export -legacy -inkey $kind-key.txt -in $kind.crt -certfile root.crt -out $kind-rc2.pfx -passout file:password
  openssl pkcs12 -export -inkey $kind-key.txt -in $kind.crt -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1 -out $kind-3des.pfx -passout file:password
  openssl pkcs12 -export -inkey $kind-key.txt -in $kind.crt -certfile root.crt -out $kind-open.pfx -passout pass:
  openssl pkcs8 -topk8 -in $kind-key.txt -v2 aes-256-cbc -passout file:password -out $kind-protected-key.txt
  openssl $kind -aes128 $([ $kind = rsa ] && echo -traditional) -in $kind-key.txt -passout file:password -out $kind-old-protected-key.txt
  openssl pkcs8 -topk8 -nocrypt -in $kind-key.txt -outform DER -out $kind-key.der
  openssl crl2pkcs7 -nocrl -certfile $kind.crt -certfile root.crt -outform DER -out $kind.p7b
  openssl crl2pkcs7 -nocrl -certfile $kind.crt -certfile root.crt -out $kind-p7b.txt
  openssl x509 -in $kind.crt -outform DER -out $kind.cer
done
openssl rsa -in rsa-key.txt -traditional -out rsa-pkcs1-key.txt
touch index.txt
printf '[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=30\n' > ca.conf
openssl ca -config ca.conf -keyfile root.key -cert root.crt -revoke rsa.crt
openssl ca -config ca.conf -keyfile root.key -cert root.crt -gencrl -out root.crl
openssl crl -in root.crl -outform DER -out root.crl.der
rm -f root.key root.srl extensions ca.conf index.txt*
