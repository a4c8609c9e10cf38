/** The TLS settings of a client. */

/** Settings of TLS, all in PEM. */
export interface TlsSettings {
  /** Certificates of additional authorities to trust. */
  caCerts?: string[];
  /** The client's certificate and its chain. */
  cert?: string;
  /** The private key of that certificate. */
  key?: string;
  /**
   * Whether to accept a certificate for another host name. This gives no protection from an
   * impostor.
   */
  unsafelyDisableHostnameVerification?: boolean;
}
