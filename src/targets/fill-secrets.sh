# shellcheck shell=sh
# Puts secrets into files, by references that only the place itself can resolve. Whoever includes it defines two functions:
# secret_file SOURCE NAME prints the file that holds the value, and secret_title SOURCE NAME what people call it.

secret_value() { # secret_value SOURCE NAME
  secret_path=$(secret_file "$1" "$2")
  [ -s "$secret_path" ] || fail "$(secret_title "$1" "$2") is not there or empty"
  value=$(cat "$secret_path")
  case $value in
    ????????????*) ;;
    *) fail "$(secret_title "$1" "$2") must have at least 12 characters" ;;
  esac
  case $value in
    *[!A-Za-z0-9._~+/=-]* | [!A-Za-z0-9]*)
      fail "$(secret_title "$1" "$2") may have letters, digits and . _ ~ + / = - only, and begins with a letter or digit" ;;
  esac
  printf '%s' "$value"
}

# By files: whoever looks at processes sees their arguments.
fill_secrets() { # fill_secrets FILE
  # shellcheck disable=SC2013 # words: references hold no spaces
  for reference in $(grep -oE '<<(secret|basic-auth:[^<>:]+):(variable|kubernetes|file):[^<>]+>>' "$1" | sort -u); do
    rest=${reference#<<}
    case $rest in
      secret:*) user='' rest=${rest#secret:} ;;
      *) rest=${rest#basic-auth:} user=${rest%%:*} rest=${rest#*:} ;;
    esac
    name=${rest#*:}
    value=$(secret_value "${rest%%:*}" "${name%>>}") || exit 1
    [ -z "$user" ] || value=$(printf '%s:%s' "$user" "$value" | base64 -w 0)
    printf 's|%s|%s|g\n' "$(printf '%s' "$reference" | sed 's/[][\.*^$|]/\\&/g')" "$value" >"$1.fill"
    sed -i -f "$1.fill" "$1"
    rm -f "$1.fill"
  done
}
